#include "CCommitHash.h"

#ifndef MMX_COMMIT
#define MMX_COMMIT "unknown"
#endif

const char *mmx_commit(void) { return MMX_COMMIT; }
