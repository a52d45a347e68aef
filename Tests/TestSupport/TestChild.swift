import Foundation

/// A process that runs one test of this bundle, for what a test process must not do to itself: to be killed, to have
/// no room on its disk.
public struct TestChild {
    private let process = Process()
    private let output = Pipe()

    /// In a child the folder that its parent has given it; nil in a test process.
    public static var folder: URL? {
        ProcessInfo.processInfo.environment["MMX_TEST_CHILD"].map { URL(fileURLWithPath: $0) }
    }

    /// Starts a child.
    /// - Parameters:
    ///   - test: "Module.Class/test". It finds ``folder`` set, and does nothing in a test process.
    ///   - folder: what the child gets.
    public init(_ test: String, folder: URL) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [test]
        var environment = ProcessInfo.processInfo.environment
        environment["MMX_TEST_CHILD"] = folder.path
        process.environment = environment
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    public var number: Int32 { process.processIdentifier }
    public var isRunning: Bool { process.isRunning }

    /// Waits until `condition` holds or the child has ended.
    public func wait(until condition: () -> Bool) { while process.isRunning, !condition() { usleep(500) } }

    /// Kills the child (SIGKILL), if it has not ended.
    /// - Returns: whether it was killed.
    @discardableResult
    public func kill() -> Bool {
        Foundation.kill(number, SIGKILL)
        return !finish().succeeded && process.terminationReason == .uncaughtSignal
    }

    /// Waits for the child's end.
    @discardableResult
    public func finish() -> (succeeded: Bool, text: String) {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationReason == .exit && process.terminationStatus == 0, text)
    }
}
