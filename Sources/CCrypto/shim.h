// OpenSSL's SHA-256, which uses the processor's SHA instructions where it has them. The functions of <openssl/evp.h> come
// to the same code, but look it up in OpenSSL's tables of algorithms first, which takes a millisecond.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
