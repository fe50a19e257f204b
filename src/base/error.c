/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one table of texts of the whole program: our own codes, then the system's.
 *
 * The system's texts stand here, word for word as the C library has them in the C
 * locale, because a reply wants a prefix in front and strerror has no storage that
 * could hold both. Every text begins with a prefix of capitals and a blank; the
 * phrase for the log is another text only where the client's would read badly there.
 */
#include "base/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct error_row {
    const char *text;
    const char *phrase; /* NULL: the text behind its prefix */
};

/* Rows of our own codes, counted down from MR_E_AGAIN. */
#define ROW(code) [MR_E_AGAIN - (code)]

static const struct error_row own_rows[] = {
    ROW(MR_E_AGAIN) = {"ERR more data is needed", NULL},
    ROW(MR_E_SYNTAX) = {"ERR syntax error", NULL},
    ROW(MR_E_NOT_INT) = {"ERR value is not an integer or out of range", NULL},
    ROW(MR_E_NOT_FLOAT) = {"ERR value is not a valid float", NULL},
    ROW(MR_E_WRONG_TYPE) = {"WRONGTYPE Operation against a key holding the wrong kind of value",
                            "wrong kind of value"},
    ROW(MR_E_NO_KEY) = {"ERR no such key", NULL},
    ROW(MR_E_NO_AUTH) = {"NOAUTH Authentication required.", "authentication required"},
    ROW(MR_E_LOADING) = {"LOADING Redis is loading the dataset in memory", "still loading the data"},
    ROW(MR_E_TOO_BIG) = {"ERR string exceeds maximum allowed size (proto-max-bulk-len)",
                         "larger than the configured limit"},
    ROW(MR_E_OVERFLOW) = {"ERR increment or decrement would overflow", "arithmetic overflow"},
    ROW(MR_E_DB_INDEX) = {"ERR DB index is out of range", NULL},
    ROW(MR_E_CORRUPT) = {"ERR Bad data format", "corrupt"},
    ROW(MR_E_TRUNCATED) = {"ERR Bad data format", "truncated"},
    ROW(MR_E_UNSUPPORTED) = {"ERR DUMP payload version or checksum are wrong",
                             "not supported by this version"},
    ROW(MR_E_CHECKSUM) = {"ERR DUMP payload version or checksum are wrong", "wrong checksum"},
    ROW(MR_E_CONFIG) = {"ERR invalid configuration", NULL},
    ROW(MR_E_CLOSED) = {"ERR connection closed by the peer", NULL},
    ROW(MR_E_PROTOCOL) = {"ERR Protocol error", "malformed request"},
    ROW(MR_E_MEMORY) = {"ERR not enough memory", NULL},
};

static const char *const system_texts[] = {
    [EPERM] = "ERR Operation not permitted",
    [ENOENT] = "ERR No such file or directory",
    [ESRCH] = "ERR No such process",
    [EINTR] = "ERR Interrupted system call",
    [EIO] = "ERR Input/output error",
    [ENXIO] = "ERR No such device or address",
    [E2BIG] = "ERR Argument list too long",
    [ENOEXEC] = "ERR Exec format error",
    [EBADF] = "ERR Bad file descriptor",
    [ECHILD] = "ERR No child processes",
    [EAGAIN] = "ERR Resource temporarily unavailable",
    [ENOMEM] = "ERR Cannot allocate memory",
    [EACCES] = "ERR Permission denied",
    [EFAULT] = "ERR Bad address",
    [ENOTBLK] = "ERR Block device required",
    [EBUSY] = "ERR Device or resource busy",
    [EEXIST] = "ERR File exists",
    [EXDEV] = "ERR Invalid cross-device link",
    [ENODEV] = "ERR No such device",
    [ENOTDIR] = "ERR Not a directory",
    [EISDIR] = "ERR Is a directory",
    [EINVAL] = "ERR Invalid argument",
    [ENFILE] = "ERR Too many open files in system",
    [EMFILE] = "ERR Too many open files",
    [ENOTTY] = "ERR Inappropriate ioctl for device",
    [ETXTBSY] = "ERR Text file busy",
    [EFBIG] = "ERR File too large",
    [ENOSPC] = "ERR No space left on device",
    [ESPIPE] = "ERR Illegal seek",
    [EROFS] = "ERR Read-only file system",
    [EMLINK] = "ERR Too many links",
    [EPIPE] = "ERR Broken pipe",
    [EDOM] = "ERR Numerical argument out of domain",
    [ERANGE] = "ERR Numerical result out of range",
    [EDEADLK] = "ERR Resource deadlock avoided",
    [ENAMETOOLONG] = "ERR File name too long",
    [ENOLCK] = "ERR No locks available",
    [ENOSYS] = "ERR Function not implemented",
    [ENOTEMPTY] = "ERR Directory not empty",
    [ELOOP] = "ERR Too many levels of symbolic links",
    [ENOMSG] = "ERR No message of desired type",
    [EIDRM] = "ERR Identifier removed",
    [ECHRNG] = "ERR Channel number out of range",
    [EL2NSYNC] = "ERR Level 2 not synchronized",
    [EL3HLT] = "ERR Level 3 halted",
    [EL3RST] = "ERR Level 3 reset",
    [ELNRNG] = "ERR Link number out of range",
    [EUNATCH] = "ERR Protocol driver not attached",
    [ENOCSI] = "ERR No CSI structure available",
    [EL2HLT] = "ERR Level 2 halted",
    [EBADE] = "ERR Invalid exchange",
    [EBADR] = "ERR Invalid request descriptor",
    [EXFULL] = "ERR Exchange full",
    [ENOANO] = "ERR No anode",
    [EBADRQC] = "ERR Invalid request code",
    [EBADSLT] = "ERR Invalid slot",
    [EBFONT] = "ERR Bad font file format",
    [ENOSTR] = "ERR Device not a stream",
    [ENODATA] = "ERR No data available",
    [ETIME] = "ERR Timer expired",
    [ENOSR] = "ERR Out of streams resources",
    [ENONET] = "ERR Machine is not on the network",
    [ENOPKG] = "ERR Package not installed",
    [EREMOTE] = "ERR Object is remote",
    [ENOLINK] = "ERR Link has been severed",
    [EADV] = "ERR Advertise error",
    [ESRMNT] = "ERR Srmount error",
    [ECOMM] = "ERR Communication error on send",
    [EPROTO] = "ERR Protocol error",
    [EMULTIHOP] = "ERR Multihop attempted",
    [EDOTDOT] = "ERR RFS specific error",
    [EBADMSG] = "ERR Bad message",
    [EOVERFLOW] = "ERR Value too large for defined data type",
    [ENOTUNIQ] = "ERR Name not unique on network",
    [EBADFD] = "ERR File descriptor in bad state",
    [EREMCHG] = "ERR Remote address changed",
    [ELIBACC] = "ERR Can not access a needed shared library",
    [ELIBBAD] = "ERR Accessing a corrupted shared library",
    [ELIBSCN] = "ERR .lib section in a.out corrupted",
    [ELIBMAX] = "ERR Attempting to link in too many shared libraries",
    [ELIBEXEC] = "ERR Cannot exec a shared library directly",
    [EILSEQ] = "ERR Invalid or incomplete multibyte or wide character",
    [ERESTART] = "ERR Interrupted system call should be restarted",
    [ESTRPIPE] = "ERR Streams pipe error",
    [EUSERS] = "ERR Too many users",
    [ENOTSOCK] = "ERR Socket operation on non-socket",
    [EDESTADDRREQ] = "ERR Destination address required",
    [EMSGSIZE] = "ERR Message too long",
    [EPROTOTYPE] = "ERR Protocol wrong type for socket",
    [ENOPROTOOPT] = "ERR Protocol not available",
    [EPROTONOSUPPORT] = "ERR Protocol not supported",
    [ESOCKTNOSUPPORT] = "ERR Socket type not supported",
    [EOPNOTSUPP] = "ERR Operation not supported",
    [EPFNOSUPPORT] = "ERR Protocol family not supported",
    [EAFNOSUPPORT] = "ERR Address family not supported by protocol",
    [EADDRINUSE] = "ERR Address already in use",
    [EADDRNOTAVAIL] = "ERR Cannot assign requested address",
    [ENETDOWN] = "ERR Network is down",
    [ENETUNREACH] = "ERR Network is unreachable",
    [ENETRESET] = "ERR Network dropped connection on reset",
    [ECONNABORTED] = "ERR Software caused connection abort",
    [ECONNRESET] = "ERR Connection reset by peer",
    [ENOBUFS] = "ERR No buffer space available",
    [EISCONN] = "ERR Transport endpoint is already connected",
    [ENOTCONN] = "ERR Transport endpoint is not connected",
    [ESHUTDOWN] = "ERR Cannot send after transport endpoint shutdown",
    [ETOOMANYREFS] = "ERR Too many references: cannot splice",
    [ETIMEDOUT] = "ERR Connection timed out",
    [ECONNREFUSED] = "ERR Connection refused",
    [EHOSTDOWN] = "ERR Host is down",
    [EHOSTUNREACH] = "ERR No route to host",
    [EALREADY] = "ERR Operation already in progress",
    [EINPROGRESS] = "ERR Operation now in progress",
    [ESTALE] = "ERR Stale file handle",
    [EUCLEAN] = "ERR Structure needs cleaning",
    [ENOTNAM] = "ERR Not a XENIX named type file",
    [ENAVAIL] = "ERR No XENIX semaphores available",
    [EISNAM] = "ERR Is a named type file",
    [EREMOTEIO] = "ERR Remote I/O error",
    [EDQUOT] = "ERR Disk quota exceeded",
    [ENOMEDIUM] = "ERR No medium found",
    [EMEDIUMTYPE] = "ERR Wrong medium type",
    [ECANCELED] = "ERR Operation canceled",
    [ENOKEY] = "ERR Required key not available",
    [EKEYEXPIRED] = "ERR Key has expired",
    [EKEYREVOKED] = "ERR Key has been revoked",
    [EKEYREJECTED] = "ERR Key was rejected by service",
    [EOWNERDEAD] = "ERR Owner died",
    [ENOTRECOVERABLE] = "ERR State not recoverable",
    [ERFKILL] = "ERR Operation not possible due to RF-kill",
    [EHWPOISON] = "ERR Memory page has hardware error",
};

static const struct error_row success = {"OK no error", "no error"};
static const struct error_row unknown = {"ERR unknown error", NULL};

static struct error_row find_row(int code)
{
    struct error_row row = unknown;
    if (code == 0)
        return success;
    if (code <= MR_E_AGAIN && code > MR_E_AGAIN - (int)(sizeof own_rows / sizeof *own_rows)) {
        row = own_rows[MR_E_AGAIN - code];
    } else if (code < 0 && code > -(int)(sizeof system_texts / sizeof *system_texts)) {
        row.text = system_texts[-code];
    }
    return row.text != NULL ? row : unknown;
}

const char *error_text(int code)
{
    return find_row(code).text;
}

const char *error_phrase(int code)
{
    struct error_row row = find_row(code);
    return row.phrase != NULL ? row.phrase : strchr(row.text, ' ') + 1;
}
