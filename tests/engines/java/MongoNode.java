import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;

/** Serves the protocol of MongoDB on loopback: MongoNode PORT DIRECTORY. What it keeps lies in a file there. */
public class MongoNode {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        // What the library says of itself is older than what drivers take. This changes what it says, not what it does.
        MongoVersion version = new MongoVersion() {
            @Override
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 0);
            }

            @Override
            public int getWireVersion() {
                return 9;
            }
        };
        MongoServer server = new MongoServer(new H2Backend(arguments[1] + "/documents.mv").version(version));
        server.bind("127.0.0.1", port);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        Thread.currentThread().join();
    }
}
