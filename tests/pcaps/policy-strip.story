The offer of STARTTLS is removed; the domain promises nothing, and the site does.

The packets of strip-no-dane, read by a site that requires TLS of charlie.net.
The twin is strip-no-dane itself, where the same packets are no alert.
