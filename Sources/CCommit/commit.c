#include "CCommit.h"

// CCommitHash has the strong definition. Only programs that link it know their commit.
__attribute__((weak)) const char *mmx_commit(void) { return "unknown"; }
