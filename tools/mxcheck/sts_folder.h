/* sts_folder: the folder of policies, for the one who writes it; readers have sts_cache.h. */
#ifndef STS_FOLDER_H
#define STS_FOLDER_H
#include "error.h"
#include "sts_cache.h"

struct sts_folder;

/* sts_folder_open: for writing, until sts_folder_close or the end of the process, however that comes: there is one writer
 * at a time. What one that was killed left half written is removed. NULL: no such folder, no right to it, or another writer;
 * e says which. */
struct sts_folder *sts_folder_open(const char *path, struct error *e);
void sts_folder_close(struct sts_folder *f);
/* sts_folder_read: the file of a domain into room, STS_CACHE_FILE octets, and what it says. false: there is none, or it
 * says nothing; then why is set for the second, and NULL for the first. Threads may call it and the next. */
bool sts_folder_read(const struct sts_folder *f, const char *domain, uint8_t *room, struct bytes *text, struct sts_file *out, const char **why);
/* sts_folder_write: the file of a domain, all at once: whoever reads sees the old one or the new one, after a crash too. */
bool sts_folder_write(const struct sts_folder *f, const char *domain, struct bytes text, struct error *e);
#endif
