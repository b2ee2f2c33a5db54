A certificate without the name that the site asks for.

The packets of cert-wrong-name, read by a site that asks for the name mx.charlie.net.
Without that, a wrong name on port 25 means nothing.
