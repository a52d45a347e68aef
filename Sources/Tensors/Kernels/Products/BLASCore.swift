import CBLAS
import Foundation

/// The choice of OpenBLAS's kernels.
///
/// An OpenBLAS that is older than the processor does not recognise it and uses its oldest kernels, "Prescott" with
/// SSE3. Version 0.3.21 on a Xeon of 2023 then reaches a fifth of the speed of its "SkylakeX" kernels.
enum BLASCore {
    /// OpenBLAS's name for the kernels in use.
    static var name: String { openblas_get_corename().map { String(cString: $0) } ?? "" }

    /// Makes OpenBLAS choose the kernels of the set of instructions in use (``Instructions``) if it fell back to its
    /// oldest ones, or if MMX_INSTRUCTIONS asks for a lesser set than the best. If `OPENBLAS_CORETYPE` is set, the
    /// user's choice is kept. Call this before the first product.
    static func choose() {
        let core = ["avx512": "SkylakeX", "avx2": "Haswell", "sse2": "Prescott"][Instructions.name]
        let isAskedFor = Instructions.name != Instructions.available.first
        guard let core, name != core, name == "Prescott" || isAskedFor, getenv("OPENBLAS_CORETYPE") == nil else {
            return
        }
        // Some builds of OpenBLAS (for a single processor) do not have these functions, so they are looked up.
        typealias Function = @convention(c) () -> Void
        guard let forget = dlsym(nil, "gotoblas_dynamic_quit"), let choose = dlsym(nil, "gotoblas_dynamic_init") else {
            return
        }
        setenv("OPENBLAS_CORETYPE", core, 1)
        unsafeBitCast(forget, to: Function.self)()
        unsafeBitCast(choose, to: Function.self)()
        unsetenv("OPENBLAS_CORETYPE")
    }

    /// Ends the threads that OpenBLAS starts when it is loaded. Idle, they keep yielding and use thirty milliseconds of
    /// a core, which a command that takes a tenth of a second needs. Call this when OpenBLAS is to run on the calling
    /// thread only.
    static func endThreads() {
        typealias Function = @convention(c) () -> Int32
        guard let end = dlsym(nil, "blas_thread_shutdown_") else { return }
        _ = unsafeBitCast(end, to: Function.self)()
    }
}
