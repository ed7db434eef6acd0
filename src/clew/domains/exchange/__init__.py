"""What is exchanged with the community: events of MISP and objects of STIX, with peers and by what is shared."""
