The client answers the server's last segments with RST.

How many stacks end a connection that is done. No reset of a handshake, and nobody else's.
Made from no-starttls-insecure-domain by tools/mutate: forge.
