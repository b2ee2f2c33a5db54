Both sides receive a RST in the other's name behind the ClientHello, and fall silent.

Two RST within a millisecond, one in each name: no two hosts give up at the same moment. Strong, medium.
Made from insecure-tls12 by tools/mutate: end, forge, forge.
