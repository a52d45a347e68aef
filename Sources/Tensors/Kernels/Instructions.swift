import CKernels
import Foundation
import Support

/// The kernels of the processor's best set of vector instructions, or of the set that MMX_INSTRUCTIONS names.
nonisolated(unsafe) let kernels: mmx_kernels = {
    let chosen = Instructions.requested.flatMap { mmx_kernels_named($0) } ?? mmx_kernels_named(nil)
    guard let chosen else { preconditionFailure("every processor has the baseline's kernels") }
    return chosen.pointee
}()

/// The sets of vector instructions that kernels are compiled for.
public enum Instructions {
    /// The set in use: "avx512", "avx2", "sse2" or "neon".
    public static var name: String { String(cString: kernels.name) }

    /// The sets that this processor has, the best first.
    public static let available: [String] = String(cString: mmx_kernels_names()).split(separator: " ").map(String.init)

    /// The value of MMX_INSTRUCTIONS; nil where it is not set.
    static var requested: String? {
        guard let value = getenv("MMX_INSTRUCTIONS").map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }

    /// - Throws: ``InstructionsError`` if MMX_INSTRUCTIONS names a set that this processor does not have. The kernels
    ///   are then those of the best set.
    public static func check() throws {
        if let requested, !available.contains(requested) { throw InstructionsError(requested: requested) }
    }
}

/// MMX_INSTRUCTIONS names a set of instructions that the processor does not have.
public struct InstructionsError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.request
    let requested: String
    public var description: String {
        "MMX_INSTRUCTIONS is '\(requested)'; this processor has \(Instructions.available.joined(separator: ", "))"
    }
}
