/*
 * fuzz_container.c - any bytes are opened as a container with a file system, and used.
 */
#include "config.h"

#include "fs.h"
#include "fuzz.h"
#include "reel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_path("c");

	fuzz_clean();
	fuzz_store(path, data, size);
	exercise(path, reel_hash(data, size));
	return 0;
}
