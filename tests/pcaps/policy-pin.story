The key that the site has pinned for its peer.

The packets of cert-valid, read by a site that has written down the key and the name of mx.charlie.net. Nobody lies.
The promise is kept; the twin of policy-pin-other.
