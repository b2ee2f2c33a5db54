/* inspection: see inspection.h. What a device's masks look like is never enough: an attacker can write the same letters. The path counts,
 * as the site configured it, and the key of its authority. */
#include "judge/inspection.h"

static void note(struct finding *f, const char *why, int8_t by)
{
	if (f->notes < FINDING_NOTES)
		f->note[f->notes++] = (struct finding_note){ why, by };
}

/* Certificates are the device's when they lead to its authority; other forms are those that the entry names. */
static bool may(const struct policy_inspection *i, const struct record *s, const struct rule *rule)
{
	return policy_does(i, rule->finding, rule->variant) ||
	       (rule->stage == STAGE_CERTIFICATE && record_get_tri(s, F_policy_inspector) == TRI_YES);
}

size_t inspection_judge(const struct policy *policy, const struct record *s, struct finding *f, size_t n)
{
	const struct policy_inspection *i = policy_inspection_named(policy, record_get_str(s, F_policy_inspection));
	size_t changed = 0;
	if (!i)
		return 0;
	for (size_t k = 0; k < n; k++) {
		if (f[k].level < level_low || f[k].rule->stage == STAGE_APART)
			continue;
		if (!may(i, s, f[k].rule)) {
			note(&f[k], "the site's own inspecting device is on the path, and this is no form that it may use", 0);
		} else if (record_get_tri(s, F_policy_inspected) != TRI_YES) {
			note(&f[k], "the site's own inspecting device is on the path, and this server is outside its scope", 0);
		} else if (record_get_tri(s, F_policy_inspector) == TRI_NO) {
			note(&f[k], "the site's own inspecting device is on the path, and the certificate is not of its authority", 0);
		} else {
			f[k].attribution = attribution_own_device;
			f[k].attributed = "the site's own inspecting device is on the path, and may do this there";
			f[k].device = i->name;
			f[k].others = true; /* whoever looks at the packets later has another configuration */
			if (f[k].level > level_low)
				note(&f[k], "the site's own inspecting device is expected to do this: posture", -1);
			changed += f[k].level > level_low;
			f[k].level = level_low;
		}
	}
	return changed;
}
