"""Real MTAs without installing them: Debian's packages, which exclude one another, are unpacked into a folder and
laid over /usr, /etc and /var in a mount and process-id namespace of each MTA's own. Ending that namespace's first
process ends all of it."""
import glob
import os
import shutil
import subprocess
import sys

from world import run, start

PACKAGES = {"postfix": ("postfix",), "exim": ("exim4-daemon-heavy", "exim4-base", "libmariadb3", "libidn12", "libspf2-2"),
            "opensmtpd": ("opensmtpd", "libevent-2.1-7")}
USERS = (("postfix", 901), ("postdrop", 902), ("Debian-exim", 903), ("opensmtpd", 904), ("opensmtpq", 905))

MASTER = """{smtpd}pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

POSTFIX_OWNERS = ("chown postfix /var/lib/postfix; chgrp postdrop /usr/sbin/postqueue /usr/sbin/postdrop\n"
                  "chmod 2755 /usr/sbin/postqueue /usr/sbin/postdrop\n")

POSTFIX = """compatibility_level = 3.6
mail_owner = postfix
setgid_group = postdrop
maillog_file = /var/log/postfix.log
alias_maps =
alias_database =
biff = no
mynetworks = 127.0.0.0/8
"""

EXIM = """primary_hostname = {host}
exim_user = Debian-exim
exim_group = Debian-exim
log_file_path = /var/log/exim4/%slog
spool_directory = /var/spool/exim4
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
{more}
"""


def unpack(work, wanted=None, name="unpacked"):
    """Fetches and unpacks what is missing, into root/MTA/ with usr/, etc/ and var/; name: the file that says it is done."""
    done = os.path.join(work, name)
    if os.path.exists(done):
        return
    listed = ""
    for kind, packages in (wanted or PACKAGES).items():
        debs, root = os.path.join(work, "debs", kind), os.path.join(work, "root", kind)
        os.makedirs(debs, exist_ok=True)
        os.makedirs(root, exist_ok=True)
        run(["apt-get", "download"] + list(packages), cwd=debs)
        for deb in sorted(glob.glob(os.path.join(debs, "*.deb"))):
            run(["dpkg-deb", "-x", deb, root])
            listed += " ".join(os.path.basename(deb).split("_")[:2]) + "\n"
        for d in ("usr", "etc", "var"):
            os.makedirs(os.path.join(root, d), exist_ok=True)
    write(done, listed)


def versions(work):
    with open(os.path.join(work, "unpacked"), encoding="ascii") as f:
        have = dict(x.split() for x in f)
    return {"postfix": "Postfix " + have["postfix"].split("-")[0], "exim": "Exim " + have["exim4-daemon-heavy"].split("-")[0],
            "opensmtpd": "OpenSMTPD " + have["opensmtpd"].split("-")[0],
            "talk": "A scripted client", "openssl": " ".join(run(["openssl", "version"]).split()[:2]) + " (s_client)",
            "swaks": "swaks " + run(["sh", "-c", "swaks --version | sed -n '1s/.*version //p'"]).strip()}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def instance(work, name, kind, netns, files, script):
    """Starts `script` in namespace netns over the packages of one MTA; files are {path below /: text}. Returns the process."""
    here = os.path.join(work, "inst", name)
    shutil.rmtree(here, ignore_errors=True)
    for d in ("usr", "etc", "var"):
        os.makedirs(os.path.join(here, d))
        os.makedirs(os.path.join(here, d + ".work"))
    for plain in ("passwd", "group"):
        with open("/" + os.path.join("etc", plain), encoding="utf-8") as f:
            text = f.read()
        for user, number in USERS:
            text += f"{user}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n" if plain == "passwd" else f"{user}:x:{number}:\n"
        write(os.path.join(here, "etc", plain), text)
    write(os.path.join(here, "etc/resolv.conf"), "nameserver 127.0.0.1\noptions trust-ad edns0\n")
    for path, text in files.items():
        write(os.path.join(here, path), text)
    mounts = "".join(f"mount -t overlay overlay -o lowerdir={work}/root/{kind}/{d}:/{d},upperdir={here}/{d},workdir={here}/{d}.work /{d}\n"
                     for d in ("usr", "etc", "var"))
    write(os.path.join(here, "run.sh"), "set -e\n" + mounts + "hostname mta 2>/dev/null || :\n" + script)
    return start(["unshare", "-m", "-u", "-p", "-f", "--kill-child", "--mount-proc", "sh", os.path.join(here, "run.sh")],
                 os.path.join(here, "log"), netns)


def postfix_server(work, netns, domain, host, addresses, pem, more="", port=25):
    main = POSTFIX + (f"myhostname = {host}\nmydestination = {domain}\ninet_interfaces = {', '.join(addresses)}\n"
                      "local_recipient_maps =\nlocal_transport = discard:\nsmtpd_peername_lookup = no\n"
                      "smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_tls_loglevel = 1\n") + more
    if pem:
        main += f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {pem}\n"
    return instance(work, "server", "postfix", netns,
                    {"etc/postfix/main.cf": main, "etc/postfix/master.cf": MASTER.format(smtpd=f"{port} inet n - n - - smtpd\n")},
                    POSTFIX_OWNERS + "exec postfix start-fg\n")


def postfix_client(work, netns, host, sender, rcpt, message, more="", times=1, patience=0, nameserver="127.0.0.1"):
    """Sends the message once or more, one after the other; the process ends when all were delivered or deferred, with
    patience only when they were delivered or bounced, or so many seconds are over."""
    main = POSTFIX + (f"myhostname = {host}\nmydestination =\nsmtp_tls_loglevel = 1\nsmtp_host_lookup = dns\n"
                      "smtp_dns_support_level = dnssec\ninet_protocols = ipv4\n") + more
    if patience:
        main += "minimal_backoff_time = 3s\nmaximal_backoff_time = 3s\nqueue_run_delay = 3s\n"
    status = "status=(sent|bounced)" if patience else "status="
    script = (POSTFIX_OWNERS + f"postfix start-fg &\nsleep 1\nfor i in $(seq {times}); do\n"
              f" sendmail -f {sender} {rcpt} < /etc/message; n=0\n"
              f" until [ 0$(grep -cE '{status}' /var/log/postfix.log 2>/dev/null) -ge $i ] || [ $n -gt {5 * patience or 120} ]; do sleep 0.2; n=$((n+1)); done\n"
              "done\nsleep 0.3\n")
    return instance(work, "client", "postfix", netns,
                    {"etc/postfix/main.cf": main, "etc/message": message, "etc/postfix/master.cf": MASTER.format(smtpd=""),
                     "etc/resolv.conf": f"nameserver {nameserver}\noptions trust-ad edns0\n"}, script)


def exim_server(work, netns, domain, host, addresses, port, pem, more="", auth="", acl=""):
    conf = EXIM.format(host=host, more=(
        f"local_interfaces = <; {' ; '.join(addresses)}\ndaemon_smtp_ports = {port}\ntls_advertise_hosts = *\n"
        f"tls_certificate = {pem}\ntls_privatekey = {pem}\nacl_smtp_rcpt = acl_rcpt\n{more}"))
    conf += (f"begin acl\nacl_rcpt:\n  accept domains = {domain}\n  accept authenticated = *\n  deny\n{acl}"
             f"begin routers\nall:\n  driver = accept\n  transport = drop\n"
             "begin transports\ndrop:\n  driver = appendfile\n  file = /dev/null\n  user = Debian-exim\n" + auth)
    script = ("mkdir -p /var/spool/exim4 /var/log/exim4; chown Debian-exim: /var/spool/exim4 /var/log/exim4\n"
              "chown root: /etc/exim4/*; exec /usr/sbin/exim4 -C /etc/exim4/own.conf -bdf -q1h\n")
    return instance(work, "server", "exim", netns, {"etc/exim4/own.conf": conf}, script)


def exim_client(work, netns, host, sender, rcpt, message, more="", times=1, patience=0):
    """Sends the message once or more; with patience its queue is run until it is empty or so many seconds are over."""
    conf = EXIM.format(host=host, more="dns_dnssec_ok = 1\n")
    conf += ("begin routers\nout:\n  driver = dnslookup\n  transport = remote\n  dnssec_request_domains = *\n  ignore_target_hosts = <; ::/0\n"
             f"begin transports\nremote:\n  driver = smtp\n{more}begin retry\n* * F,1h,3s\n")
    script = ("mkdir -p /var/spool/exim4 /var/log/exim4; chown Debian-exim: /var/spool/exim4 /var/log/exim4\n"
              "exim() { /usr/sbin/exim4 -C /etc/exim4/own.conf \"$@\"; }\n"
              f"for i in $(seq {times}); do exim -odf -f {sender} {rcpt} < /etc/message; done\n"
              f"for i in $(seq {patience // 4}); do [ $(exim -bpc) = 0 ] || {{ sleep 4; exim -q; }}; done\n")
    return instance(work, "client", "exim", netns, {"etc/exim4/own.conf": conf, "etc/message": message}, script)


OPENSMTPD_FOLDERS = ("mkdir -p /run/empty /var/lib/opensmtpd/empty /var/tmp/maildir /var/spool/smtpd\nchown nobody /var/tmp/maildir\n"
                     "chmod 711 /var/lib/opensmtpd/empty /var/spool/smtpd\nchgrp opensmtpq /usr/sbin/smtpctl; chmod 2555 /usr/sbin/smtpctl\n")


def opensmtpd_server(work, netns, domain, host, addresses):
    """Without TLS: Debian 12's OpenSMTPD, linked with OpenSSL 3, cannot sign a handshake (alert 80 after Certificate)."""
    conf = (f"table all {{ \"@\" = nobody }}\nlisten on {addresses[0]} port 25 hostname {host}\n"
            "action \"drop\" maildir \"/var/tmp/maildir\" virtual <all>\n"
            f"match from any for domain \"{domain}\" action \"drop\"\n")
    script = OPENSMTPD_FOLDERS + "exec smtpd -d -f /etc/own.conf\n"
    return instance(work, "server", "opensmtpd", netns, {"etc/own.conf": conf}, script)


def opensmtpd_client(work, netns, host, sender, rcpt, message, more="", times=1, patience=0):
    """Sends the message once or more; more stands behind `relay`. Its queue is run by force every few seconds."""
    conf = f"action \"out\" relay helo \"{host}\" {more}\nmatch from any for any action \"out\"\n"
    script = (OPENSMTPD_FOLDERS + "smtpd -d -f /etc/own.conf > /var/log/smtpd.log 2>&1 &\nsleep 1\n"
              f"for i in $(seq {times}); do sendmail -f {sender} {rcpt} < /etc/message; done\nsleep 3\n"
              f"for i in $(seq {patience // 4}); do [ -z \"$(smtpctl show queue)\" ] || {{ smtpctl resume mta; smtpctl schedule all; sleep 4; }}; done\n")
    return instance(work, "client", "opensmtpd", netns, {"etc/own.conf": conf, "etc/message": message}, script)


def swaks(netns, server, port, host, sender, rcpt, message_file, more=()):
    args = ["swaks", "--server", server, "--port", str(port), "--ehlo", host, "--from", sender, "--to", rcpt,
            "--data", "@" + message_file, "--timeout", "8"] + list(more)
    return subprocess.run(["ip", "netns", "exec", netns] + args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL).stdout.decode(errors="replace")


def program(work, netns, kind, server, port, host, more, say):
    """talk.py, or openssl s_client with say on its standard input."""
    if kind == "talk":
        args = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "talk.py"), server, str(port)] + more
    else:
        args = ["openssl", "s_client", "-starttls", "smtp", "-name", host, "-connect", f"{server}:{port}"] + more
    with open(os.path.join(work, "client.log"), "wb") as log:
        subprocess.run(["ip", "netns", "exec", netns] + args, stdout=log, stderr=log, input=say.encode("ascii"), timeout=30,
                       check=False)
