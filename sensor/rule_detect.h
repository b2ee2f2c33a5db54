/* rule_detect: the `detection:` part of a rule, from nodes to expressions. Sigma's language, strict: see
 * mxwitness-rules(5).
 *
 * A selection becomes an expression; the condition combines them; the linter looks at expressions; steps come last. */
#ifndef RULE_DETECT_H
#define RULE_DETECT_H
#include "rule_condition.h"

enum { RULE_REGEX_OCTETS = 4096 };

/* Reads the map into sel (in the arena, ended by a NULL name) and the condition into *out. false: e says why.
 * also  a key of the map that is no selection, or NULL */
bool detection_read(struct compiler *c, const struct node *map, const char *also, struct selection **sel,
		    struct expr **out);
/* expr_lint, and every selection has a use. */
bool detection_lint(struct compiler *c, const struct selection *sel, const struct expr *condition);
/* expr_lint_filter, and every selection has a use. */
bool detection_lint_filter(struct compiler *c, const struct selection *sel, const struct expr *condition,
			   const struct node *at);
/* May a rule about these events (IN_SESSION, IN_STATS or IN_POSTURE) test this fact? Not what rules decide, and not what is
 * written after them. any: a rule about any of them. */
bool detection_knows(enum fact f, uint8_t service);
bool detection_knows_any(enum fact f);
/* "sessions", "stats events" or "posture events" */
const char *service_text(uint8_t service);
#endif
