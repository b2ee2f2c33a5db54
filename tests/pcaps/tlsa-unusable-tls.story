Only a 1 1 1 record: TLS is owed, by anybody's certificate.

Postfix 3.7.11 sends to golf.org; its server mx.golf.org (198.51.100.22, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 3.1.3: usage 1 is not for SMTP. TLS is there, so the promise is kept; the record is worth a note.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
