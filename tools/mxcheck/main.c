/* mxcheck: asks of mail domains what the sensor, which only listens, cannot: the first word of the command line says what. */
#include <stdio.h>
#include <string.h>

#include "sts_command.h"
#include "tlsa_command.h"
#include "version.h"

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "sts-fetch", sts_command },
	{ "tlsa", tlsa_command },
};

static const char usage[] =
	"usage: mxcheck sts-fetch [options] DOMAIN...   fetch MTA-STS policies into the folder that mxwitness reads\n"
	"       mxcheck tlsa [options] CERT.pem...       the TLSA records to publish for certificates\n"
	"       mxcheck --version, --help; each command has --help too\n";

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(word, commands[i].word) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(word, "--version") == 0) {
		puts("mxcheck " MXWITNESS_VERSION);
		return 0;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (*word)
		fprintf(stderr, "mxcheck: %s: no such command; it is sts-fetch or tlsa\n", word);
	else
		fputs(usage, stderr);
	return 2;
}
