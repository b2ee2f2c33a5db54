The MX host is an alias, TLSA stands at its target.

Postfix 3.7.11 sends to hotel.org; its server mta.hotel.org (198.51.100.23, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 2.2.2: the expanded name is the TLSA base domain, and the SNI.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
