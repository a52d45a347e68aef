import CBLAS
import Foundation

/// Which of OpenBLAS's kernels run.
///
/// An OpenBLAS that is older than the processor does not know it and takes its oldest kernels, "Prescott" with SSE3:
/// 0.3.21 on a Xeon of 2023 does a fifth of the products per second that the same library does there as "SkylakeX".
enum BLASCore {
    /// The kernels' name, as OpenBLAS calls it.
    static var name: String { openblas_get_corename().map { String(cString: $0) } ?? "" }

    /// Where OpenBLAS fell back to its oldest kernels on a processor with AVX2 or AVX-512, has it choose those instead.
    /// `OPENBLAS_CORETYPE`, if set, is the user's choice and stays. Called before the first product.
    static func avoidFallback() {
        guard name == "Prescott", getenv("OPENBLAS_CORETYPE") == nil, let core = mmx_blas_core() else { return }
        // Not in every build of OpenBLAS (one made for a single processor has no choice), hence looked up.
        typealias Function = @convention(c) () -> Void
        guard let forget = dlsym(nil, "gotoblas_dynamic_quit"), let choose = dlsym(nil, "gotoblas_dynamic_init") else {
            return
        }
        setenv("OPENBLAS_CORETYPE", core, 1)
        unsafeBitCast(forget, to: Function.self)()
        unsafeBitCast(choose, to: Function.self)()
        unsetenv("OPENBLAS_CORETYPE")
    }

    /// Ends the threads that OpenBLAS starts when it is loaded: with nothing to do they keep yielding, thirty milliseconds
    /// of a core that a command of a tenth of a second needs. Called when it is to run on the calling thread alone.
    static func endThreads() {
        typealias Function = @convention(c) () -> Int32
        guard let end = dlsym(nil, "blas_thread_shutdown_") else { return }
        _ = unsafeBitCast(end, to: Function.self)()
    }
}
