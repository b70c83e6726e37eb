/*
 * killpriv.h - set-id bits and FUSE_HANDLE_KILLPRIV_V2.
 *
 * Unless the file system takes on the clearing of set-id bits, the kernel asks for the attribute
 * security.capability before each write. Some libfuse versions cannot take it on, and none tells the
 * handlers for which requests the kernel wants the bits cleared. Both are found in the messages themselves
 * as they pass.
 */
#ifndef REELFS_KILLPRIV_H
#define REELFS_KILLPRIV_H

#include <stdbool.h>

struct fuse_session;

/* To be called between fuse_session_mount() and the loop. 0, or -1 (logged). */
int killpriv_install(struct fuse_session *se);

/*
 * For the handlers of WRITE and OPEN: true when the kernel wants the set-id bits cleared by the request
 * that the calling thread handles (its sender lacks CAP_FSETID). To be called in the thread that the
 * handler was called in.
 */
bool killpriv_asked(void);

#endif
