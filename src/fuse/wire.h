/*
 * wire.h - what the kernel's messages carry that libfuse does not pass on, or does not know.
 *
 * - Set-id bits and FUSE_HANDLE_KILLPRIV_V2: unless the file system takes on the clearing of set-id bits, the
 *   kernel asks for the attribute security.capability before each write. Some libfuse versions cannot take
 *   it on, and none tells the handlers for which requests the kernel wants the bits cleared.
 * - FUSE_SETXATTR_EXT: whether a new ACL takes the setgid bit away depends on the groups of who sets it,
 *   which the kernel alone knows.
 * - The number of requests past which the kernel, asked to write out, passes over files: libfuse allows for no more than
 *   there may be under way.
 * - What libfuse leaves out of the INIT reply though it is asked for: PARALLEL_DIROPS (3.14).
 * - TMPFILE and STATX: requests that libfuse 3.14 answers with ENOSYS.
 *
 * All of it is found in the messages as they pass. The questions below are about the request that the calling
 * thread handles; they are to be asked in the thread that the handler was called in, before it has answered.
 */
#ifndef REELFS_WIRE_H
#define REELFS_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

/* That number, where root mounts. The kernel keeps users below its own limit (max_user_congthresh). */
#define WIRE_CONGESTION UINT16_MAX

/* To be called between fuse_session_mount() and the loop. 0, or -1 (logged). */
int wire_install(struct fuse_session *se);

/* To be called by the handler of INIT, with fuse_conn_info.want: the reply has what the kernel offers of these. */
void wire_want(unsigned capabilities);

/*
 * Ends a connection that is not going to be served, of which somebody else may have the descriptor: the kernel's first request
 * gets an error, so that who uses the mount does not wait.
 */
void wire_refuse(int fd);

/*
 * The request that this thread has is answered later, by another thread; `lost`: with an error. Of what the kernel has handed
 * over it counts as served from here on.
 */
void wire_answers_later(bool lost);

/* WRITE, OPEN: the kernel wants the set-id bits cleared (the sender lacks CAP_FSETID). */
bool wire_kills_set_id(void);

/* SETXATTR of an access ACL: the setgid bit goes (the sender is not in the file's group and lacks CAP_FSETID). */
bool wire_kills_setgid(void);

/* CREATE: the sender wants a file without a name (O_TMPFILE), and the name given means nothing. */
bool wire_is_tmpfile(void);

/* GETATTR: the sender asks for the birth time too, so the answer is due in another form: wire_reply_statx(). */
bool wire_is_statx(void);

/* Answers with all of `st` and the birth time, which the kernel may keep for `timeout` seconds. As fuse_reply_attr(). */
int wire_reply_statx(fuse_req_t req, const struct stat *st, const struct timespec *btime, double timeout);

#endif
