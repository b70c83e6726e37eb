/*
 * filetype.c - see filetype.h. Relies on libmagic, whose database is loaded at the first call; without it, or when that
 * fails, nothing is said. Looks at the beginning only. Not for several threads.
 */
#include "config.h"

#include <stdio.h>

#include "filetype.h"

#ifdef HAVE_LIBMAGIC

#include <dlfcn.h>
#include <magic.h>
#include <stdbool.h>

enum { LOOKED_AT = 64 << 10 };

/* Loaded when it is wanted: linked, it and what it needs would make every start of `reel` slower by half. */
static struct {
	void *handle;
	bool tried;
	magic_t database;
	__typeof__(magic_open) *open;
	__typeof__(magic_load) *load;
	__typeof__(magic_buffer) *buffer;
	__typeof__(magic_close) *close;
} library;

static void load(void)
{
	library.tried = true;
	library.handle = dlopen("libmagic.so.1", RTLD_NOW | RTLD_LOCAL);
	if (library.handle == NULL)
		return;
	library.open = (__typeof__(library.open))dlsym(library.handle, "magic_open");
	library.load = (__typeof__(library.load))dlsym(library.handle, "magic_load");
	library.buffer = (__typeof__(library.buffer))dlsym(library.handle, "magic_buffer");
	library.close = (__typeof__(library.close))dlsym(library.handle, "magic_close");
	if (library.open != NULL && library.load != NULL && library.buffer != NULL && library.close != NULL)
		library.database = library.open(MAGIC_NONE);
	if (library.database != NULL && library.load(library.database, NULL) != 0)
		filetype_end();
}

void filetype_text(void *arg, const void *bytes, size_t len, char *text, size_t size)
{
	const char *type = NULL;

	(void)arg;
	if (!library.tried)
		load();
	if (library.database != NULL)
		type = library.buffer(library.database, bytes, len < LOOKED_AT ? len : LOOKED_AT);
	snprintf(text, size, "%s", type != NULL ? type : "");
}

void filetype_end(void)
{
	if (library.database != NULL)
		library.close(library.database);
	library.database = NULL;
	if (library.handle != NULL)
		(void)dlclose(library.handle);
	library.handle = NULL;
}

#else

void filetype_text(void *arg, const void *bytes, size_t len, char *text, size_t size)
{
	(void)arg, (void)bytes, (void)len, (void)size;
	text[0] = '\0';
}

void filetype_end(void)
{
}

#endif
