/* mxwitness: command line, exit status. */
#include <stdio.h>
#include <string.h>

#include "baseline_command.h"
#include "classify.h"
#include "config_command.h"
#include "incident_command.h"
#include "judge_command.h"
#include "options.h"
#include "read.h"
#include "rules_command.h"
#include "status_command.h"
#include "tlsrpt_command.h"
#include "verify.h"
#include "version.h"
#include "watch.h"

int main(int argc, char **argv)
{
	struct options options;
	enum command command;
	struct error e;
	if (!options_parse(argc, argv, &command, &options, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	switch (command) {
	case COMMAND_HELP:
		fputs(options_usage, stdout);
		return 0;
	case COMMAND_VERSION:
		printf("mxwitness %s%s%s\n", MXWITNESS_VERSION, classify_library() ? ", " : ", without nDPI",
		       classify_library() ? classify_library() : "");
		return 0;
	case COMMAND_READ:
		return read_command(&options);
	case COMMAND_DISCOVER:
		return discover_command(&options);
	case COMMAND_WATCH:
		return watch_command(&options);
	case COMMAND_JUDGE:
		return judge_command(&options);
	case COMMAND_TLSRPT:
		return tlsrpt_command(&options);
	case COMMAND_STATUS:
		return status_command(&options);
	case COMMAND_VERIFY:
		return verify_command(&options);
	case COMMAND_RULES:
		return rules_command(&options);
	case COMMAND_BASELINE:
		return baseline_command(&options);
	case COMMAND_INCIDENT:
		return incident_command(&options);
	case COMMAND_CONFIG:
		return config_command(&options);
	}
	return 2;
}
