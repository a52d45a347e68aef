#pragma once

/// See CCommit.h. No Swift module depends on this target, so a new commit compiles hash.c and links the program, and
/// nothing else.
const char *_Nonnull mmx_commit(void);
