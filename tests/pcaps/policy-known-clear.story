A server without TLS, as the site knows.

The packets of no-starttls-insecure-domain, read by a site that agreed to clear text with echo.org. Nobody lies.
What is missing is known, and why.
