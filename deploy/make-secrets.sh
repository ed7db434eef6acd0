#!/bin/sh
# Makes what deploy/compose.yaml needs, once: passwords in .env, an authority and a certificate for each engine in tls/.
# Makes nothing anew that is there. Wants openssl, and nothing else.
#
#   ./make-secrets.sh [NAME…]     further names or addresses by which clients reach the engines (localhost is one)
set -eu
cd "$(dirname "$0")"
umask 077
days=825

password() {
    openssl rand -hex 24
}

if [ ! -e .env ]; then
    {
        echo "POSTGRES_PASSWORD=$(password)"
        echo "REDIS_PASSWORD=$(password)"
        echo "ELASTIC_PASSWORD=$(password)"
        echo "NEO4J_PASSWORD=$(password)"
        echo "QDRANT_API_KEY=$(password)"
    } >.env.part
    mv .env.part .env
    echo "passwords: .env"
fi

# What a later version of compose.yaml asks for is added to an .env that is there.
for name in INFLUXDB_PASSWORD MONGODB_PASSWORD; do
    grep -q "^$name=" .env && continue
    echo "$name=$(password)" >>.env
    echo "password: $name"
done

mkdir -p tls
if [ ! -e tls/ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 \
        -subj "/CN=Clew engines" -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout tls/ca.key -out tls/ca.crt 2>/dev/null
    echo "authority: tls/ca.crt"
fi

names="DNS:localhost,IP:127.0.0.1"
for name in "$@"; do
    case $name in
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
    esac
done

for engine in postgres redis elasticsearch neo4j qdrant influxdb mongodb; do
    [ -e "tls/$engine.crt" ] && continue
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$engine" \
        -keyout "tls/$engine.key" -out "tls/$engine.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$engine" "$names" \
        >"tls/$engine.ext"
    openssl x509 -req -in "tls/$engine.csr" -CA tls/ca.crt -CAkey tls/ca.key -CAcreateserial -sha256 -days "$days" \
        -extfile "tls/$engine.ext" -out "tls/$engine.crt" 2>/dev/null
    rm "tls/$engine.csr" "tls/$engine.ext"
    echo "certificate: tls/$engine.crt"
done
# Nobody else gets into tls/. Within it the servers in the containers, who are other users, read what they are given.
chmod 700 tls
chmod 644 tls/*.crt tls/redis.key tls/elasticsearch.key tls/neo4j.key tls/qdrant.key tls/influxdb.key tls/mongodb.key
