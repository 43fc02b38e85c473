/*
 * Contexts: which broker, and as whom. One small file each.
 *
 * A context file is text, one `key = value` per line. Blanks around key and value do not count. A line whose first
 * character is # is a comment; a # later in a line belongs to the value, because keys in Z85 contain it; for the same
 * reason a value runs from the first = to the end of the line. Keys:
 *
 *     endpoint = tcp://127.0.0.1:7420
 *     server_key = 40 characters Z85     the broker's public key; absent: plain text without any security
 *     public_key = 40 characters Z85     this member's own pair; both or none
 *     secret_key = 40 characters Z85
 *     party = acme                       for people only: the broker knows the party by the key
 *     member = alice
 *     expires = 1790000000000000         invitations only: until when, microseconds UTC
 *     invitation = 1                     invitations only: the pair is a one-time pair
 *
 * Unknown keys are ignored; a key twice, a line without =, over 16 KiB: an error with the line's number. The file's mode
 * must be 0600 (or 0400) when it holds a secret key; anything more open is refused.
 *
 * Place: DIR/contexts/NAME, where DIR is $QIAO_CONFIG_DIR, else $XDG_CONFIG_HOME/qiao, else ~/.config/qiao. DIR/current
 * holds the name of the current one. $QIAO_CONTEXT overrides it: a name, or a path when it contains a slash. Beside
 * it, DIR/state/NAME (PATH.state for a path) keeps `seen` and `epoch`, the witnesses against a broker that lost its
 * journal's end; it may be deleted. Names: letters, digits, dot, dash, underscore; at most 64; not starting with a dot,
 * not ending in .state or .pending.
 */
#ifndef QIAO_CONTEXT_H
#define QIAO_CONTEXT_H

#include <qiao/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QIAO_Z85_CHARS 40
#define QIAO_CONTEXT_NAME_BYTES 64

/* Plain data; may be copied. Empty text means absent. */
struct qiao_context {
    char name[QIAO_CONTEXT_NAME_BYTES + 1];
    char endpoint[256];
    char server_key[QIAO_Z85_CHARS + 1];
    char public_key[QIAO_Z85_CHARS + 1];
    char secret_key[QIAO_Z85_CHARS + 1];
    char party[65];
    char member[65];
    int64_t expires;
    bool invitation;
    char state_path[512]; /* where the witnesses are kept; empty: nowhere */
};

/* What is wrong, for people: "contexts/acme line 3: server_key is not 40 characters of Z85". */
struct qiao_context_error {
    char text[768];
    int line; /* 0: not about a line */
};

/*
 * Read a context: a name, a path (it contains a slash), or NULL for $QIAO_CONTEXT, else the current one.
 * QIAO_CONTEXT otherwise; *out_error then says what is wrong and with which file (out_error may be NULL).
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_context_load(const char *name_or_path, struct qiao_context *out_context,
                                                           struct qiao_context_error *out_error);

/*
 * Write it, mode 0600, all or nothing. `name_or_path` as above, not NULL. Replaces what was there only when `replace`.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_context_save(const char *name_or_path, const struct qiao_context *context,
                                                           bool replace, struct qiao_context_error *out_error);

/* Make this the current one. It must exist. */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_context_use(const char *name, struct qiao_context_error *out_error);

/* The name (or path) that NULL stands for; false: there is none. */
QIAO_API QIAO_NODISCARD bool qiao_context_current(char *out_name, size_t size);

/* All names in order of the alphabet; free with qiao_context_list_free. An absent directory is an empty list. */
struct qiao_context_list {
    size_t count;
    char **names;
};
QIAO_API QIAO_NODISCARD enum qiao_status qiao_context_list(struct qiao_context_list *out_list);
QIAO_API void qiao_context_list_free(struct qiao_context_list *list);

/* A new CURVE pair, in Z85 with a NUL. */
QIAO_API void qiao_keypair(char out_public[QIAO_Z85_CHARS + 1], char out_secret[QIAO_Z85_CHARS + 1]);

/* Z85 to the 32 bytes of a key and back. False: not 40 characters of Z85. */
QIAO_API QIAO_NODISCARD bool qiao_key_decode(const char *z85, uint8_t out_key[32]);
QIAO_API void qiao_key_encode(const uint8_t key[32], char out_z85[QIAO_Z85_CHARS + 1]);

/*
 * Become a member: read an invitation file, make a key pair here, connect with the one-time key, have the public half
 * enrolled, save the context under `name` (and make it current when there is no current one). The secret half never
 * leaves this machine. `member` is the name of the new member, e.g. a person's or a machine's.
 *
 * The new pair is on disk (as NAME.pending) before it is sent, so that importing again after QIAO_UNCERTAIN settles it.
 * QIAO_FORBIDDEN: the invitation was used, has expired, or was withdrawn.
 */
QIAO_API QIAO_NODISCARD enum qiao_status qiao_context_import(const char *invitation_path, const char *name,
                                                             const char *member, int64_t timeout_us,
                                                             struct qiao_context *out_context,
                                                             struct qiao_context_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
