/* fact_list: the table of facts, for people, for programs, and for the manual. */
#ifndef FACT_LIST_H
#define FACT_LIST_H
#include <stdio.h>

#include "record.h"

/* Facts whose name holds one of the n words (all, when n is 0), one a paragraph. Returns how many. */
unsigned fact_list(FILE *out, char *const *words, int n);
/* The whole table: a line of names, then one line a fact, columns separated by tabs. */
void fact_list_tsv(FILE *out);
/* mxwitness-fields(7). */
void fact_list_mdoc(FILE *out);
#endif
