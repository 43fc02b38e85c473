/*
 * Small files of the data directory: the server's key, the operator's context, endpoint and pid.
 *
 * Secrets have mode 0600 and belong to us, or the broker does not start. It knows no format but these.
 */
#ifndef SHELL_FILES_H
#define SHELL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FILES_KEY_BYTES = 32,
    FILES_Z85_BYTES = 41,
    FILES_ERROR_BYTES = 640,
};

#define FILES_SERVER_KEY "server.key"
#define FILES_CONTEXT "operator.context"
#define FILES_ENDPOINT "endpoint"
#define FILES_PID "pid"

/* DIR/NAME; false: too long. */
bool files_path(char *out_path, size_t size, const char *dir, const char *name);

/* Write all of it or nothing (a new file, then renamed); mode is the file's. */
bool files_write(const char *path, const char *text, unsigned mode, char error[FILES_ERROR_BYTES]);

/* A new pair as a CZMQ certificate, secret half included; 0600. Fails if there is one already. */
bool files_server_key_make(const char *dir, char out_public_z85[FILES_Z85_BYTES], char error[FILES_ERROR_BYTES]);

/* Refuses a file that others may read, or that is not ours. */
bool files_server_key_read(const char *dir, uint8_t out_public[FILES_KEY_BYTES], uint8_t out_secret[FILES_KEY_BYTES],
                           char error[FILES_ERROR_BYTES]);

/* The context file of a member, in the form that clients read: key = value lines, 0600. */
struct files_context {
    const char *endpoint;
    const char *server_key; /* NULL: plain text */
    const char *public_key; /* NULL: plain text */
    const char *secret_key;
    const char *party;
    const char *member;
};

bool files_context_write(const char *path, const struct files_context *context, char error[FILES_ERROR_BYTES]);

/* At most 8 MiB. */
bool files_copy(const char *from, const char *to, unsigned mode, char error[FILES_ERROR_BYTES]);

/* Copy a file, or the *.yaml files of a folder, to a new folder. */
bool files_copy_yaml(const char *from, const char *to_dir, char error[FILES_ERROR_BYTES]);

#endif
