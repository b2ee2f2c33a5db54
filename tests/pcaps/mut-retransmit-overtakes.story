A retransmission of greeting and EHLO reply in one segment overtakes both on the way to the sensor.

Same octets, other boundaries, and an acknowledgement of the EHLO that the greeting alone did not have yet. The greeting waits for
nothing, the reply waits for the EHLO: nothing but what the capture it is made from shows. The twin of mut-conflict-ehlo.
Made from starttls-not-used-foreign by tools/mutate: forge.
