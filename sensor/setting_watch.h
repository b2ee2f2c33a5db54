/* setting_watch: the values of watch_domains: domains, hosts, times, and the list itself. */
#ifndef SETTING_WATCH_H
#define SETTING_WATCH_H
#include "settings.h"

/* setting_watch: as setting_read, for the types of its own: MAIL_DOMAIN HOSTS WHEN WATCH_DOMAINS. at: the member. */
bool setting_watch(struct settings *s, const struct setting_info *t, void *at, const struct node *value, struct error *e);
#endif
