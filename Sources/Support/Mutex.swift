import Foundation
import Synchronization

// The thread sanitizer does not see the futex in Swift's Mutex, and would report every use as a race. Where it watches
// (make sanitize), a lock of the system's threads takes its place, which it knows.
#if MMX_THREAD_SANITIZER
    /// A value that one thread at a time may use.
    public final class Mutex<Value>: @unchecked Sendable {
        private let lock = NSLock()
        private var value: Value

        public init(_ value: sending Value) { self.value = value }

        /// Calls `body` with the value while no other thread uses it.
        public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            lock.lock()
            defer { lock.unlock() }
            return try body(&value)
        }
    }
#else
    /// A value that one thread at a time may use.
    public typealias Mutex<Value: ~Copyable> = Synchronization.Mutex<Value>
#endif
