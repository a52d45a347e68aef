/// The version of mmx, and how it was built.
public enum Version {
    /// The name and the version, as manifests give them.
    public static let tool = "mmx 0.1.0"

    /// How this module was built, for example "release, x86_64, Swift 6.3".
    public static let build = "\(configuration), \(architecture), Swift \(compiler)"

    private static var configuration: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown architecture"
        #endif
    }

    /// The language has conditions for the compiler's version, but no text of it.
    private static var compiler: String {
        #if compiler(>=6.6)
            "6.6 or later"
        #elseif compiler(>=6.5)
            "6.5"
        #elseif compiler(>=6.4)
            "6.4"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}
