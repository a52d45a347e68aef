import Foundation
import Support

/// What stands behind the program's name on the command line.
enum ProgramArguments {
    /// - Throws: ``UsageError`` for an environment in which the program cannot run.
    static func all() throws -> [String] {
        try Environment.check()
        return (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { argument in
                let bytes = UnsafeBufferPointer(start: argument, count: strlen(argument))
                return file(RawPath.text(of: bytes.map { UInt8(bitPattern: $0) }))
            }
        }
    }

    /// An image whose name begins with a dash is a file, not an option: `-dash.jpg` becomes `./-dash.jpg`.
    static func file(_ argument: String) -> String {
        let isImage = argument.hasPrefix("-") && !argument.contains("=") && PhotoArgument.looksLikeFile(argument)
        return isImage ? "./\(argument)" : argument
    }
}
