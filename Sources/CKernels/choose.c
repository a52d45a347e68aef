#include "include/CKernels.h"

#include <string.h>

extern const mmx_kernels mmx_avx512_table, mmx_avx2_table, mmx_baseline_table;

// The best first.
static const mmx_kernels *const tables[] = {
#if defined(__x86_64__)
    &mmx_avx512_table, &mmx_avx2_table,
#endif
    &mmx_baseline_table,
};
enum { count = sizeof tables / sizeof *tables };

static int is_available(const mmx_kernels *table) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                      && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
    if (table == &mmx_avx2_table) return has_avx2;
    if (table == &mmx_avx512_table) {
        return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    }
#endif
    return 1;
}

const mmx_kernels *mmx_kernels_named(const char *name) {
    for (int i = 0; i < count; i++) {
        if (is_available(tables[i]) && (name == NULL || strcmp(name, tables[i]->name) == 0)) return tables[i];
    }
    return NULL;
}

const char *mmx_kernels_names(void) {
    static char names[64];
    if (names[0] == 0) {
        char built[64] = "";
        for (int i = 0; i < count; i++) {
            if (!is_available(tables[i])) continue;
            if (built[0] != 0) strcat(built, " ");
            strcat(built, tables[i]->name);
        }
        memcpy(names, built, sizeof names);
    }
    return names;
}
