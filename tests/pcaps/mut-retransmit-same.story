A part of the EHLO reply is sent again between other boundaries, with the same octets.

What segmentation offload makes of a retransmission. Nothing. The twin of mut-conflict-ehlo.
Made from starttls-not-used-foreign by tools/mutate: forge.
