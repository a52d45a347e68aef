import Foundation
import Synchronization

/// The signal that came; 0 where none did. Outside of the type, because a handler captures nothing.
private let signalNumber = Atomic<Int32>(0)

/// A wish from outside that a long work end after the piece in hand: Ctrl-C (SIGINT), or SIGTERM of a batch system.
public enum Interruption {
    /// Takes the two signals from now on; a second one ends the process at once.
    public static func watch() {
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                if signalNumber.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
            }
            // Without SA_RESTART: a read that waits ends, too.
            sigaction(number, &action, nil)
        }
    }

    /// The signal that came; nil where none did.
    public static var signal: Int32? {
        let number = signalNumber.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Whether the work is to end.
    public static var isAsked: Bool { signal != nil }
}
