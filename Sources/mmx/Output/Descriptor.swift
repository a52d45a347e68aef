import Foundation

/// The standard streams as the system has them. Foundation's `FileHandle` traps where it cannot write, and `print`
/// says nothing.
enum Descriptor {
    /// Writes all of `text`.
    /// - Returns: 0, or the system's error number.
    static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    // The terminal or the pipe was made non-blocking by another process: wait until it takes more.
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    /// To be called first. Takes the place of standard streams that are closed, so that no file that is opened later becomes one of them.
    /// Writing to it fails, as it does to a closed stream.
    static func prepare() {
        // A file that grows beyond `ulimit -f` is then an error as a full disk is, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number is this one: those below are open.
            _ = open("/dev/null", O_RDONLY)
        }
    }
}
