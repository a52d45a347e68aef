#pragma once

/// The commit that the program was built from, as `make` gives it in MMX_COMMIT: seven digits, and "-dirty" where files
/// differed from it; "unknown" where nothing said it.
const char *_Nonnull mmx_commit(void);
