/* rule_test: tests of rules: small sessions, or stats events, written as YAML, and the findings that the rules must make of them, no more
 * and no fewer. mxwitness-rules(5) */
#ifndef RULE_TEST_H
#define RULE_TEST_H
#include <stdio.h>

#include "error.h"
#include "judge/rule.h"

/* passed, failed  tests
 * wrong           documents and files that are no tests: told on the stream of errors */
struct rule_test_result {
	unsigned passed, failed, wrong;
};

/* rule_test_run: judges every test under path by rules. path is a file, or a folder: then the files of path/tests, if
 * there is such a folder, else its own.
 * verbose  tell of the tests that pass, and of the rules that no test raises, too
 * out      failed tests, each with what was expected and what came
 * err      what is wrong with a document, as file:line:column: message
 * false: there is no test, or no memory; e says so. */
bool rule_test_run(const struct rules *rules, const char *path, bool verbose, FILE *out, FILE *err,
		   struct rule_test_result *result, struct error *e);
#endif
