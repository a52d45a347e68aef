import CFiles
import Foundation
import Support

/// A problem in a file's contents; the public reader adds the path.
struct FileProblem: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

extension FileError {
    /// Calls `body`, which reads the file at `url`; a problem of its contents becomes an error that names the file.
    static func naming<Result>(_ url: URL, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let problem as FileProblem {
            throw Self(path: url.path, problem: problem.text)
        }
    }
}

/// A file's bytes, mapped: a page is read when it is first used. Tensors that borrow the memory keep this alive.
///
/// The mapping is private and copied on write, so a write through a borrowed tensor never reaches the file.
///
/// Another program may shorten the file meanwhile (a download that starts again, a file system of another machine).
/// This project's own files are replaced by renaming (``AtomicFile``), which is safe. For the others, the system has no
/// way to keep the pages that were not read yet, and raises SIGBUS at the first use of one. It can happen anywhere in a
/// computation, long after reading, so there is no place to throw an error from, and results computed with other
/// numbers would be wrong. Therefore a signal handler writes an error that names the file and ends the process at once,
/// with the exit code for a model that cannot be used. Files of the output are never half-written then. To copy every
/// file instead would cost the memory and the time of a second copy of each model.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// What all that read this file may do together. Readers run on one thread.
    let budget: ReadingBudget
    private let name: Int32
    private var allocated: [UnsafeMutableRawBufferPointer] = []

    init(_ url: URL) throws {
        // Not blocking: a named pipe would otherwise wait for a writer here.
        let descriptor = RawPath.withBytes(url.path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        if descriptor < 0 { throw FileProblem("cannot be opened: \(systemMessage(errno))") }
        defer { close(descriptor) }
        var information = stat()
        if fstat(descriptor, &information) != 0 { throw FileProblem("cannot be read: \(systemMessage(errno))") }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw FileProblem("is a folder, not a file")
        default: throw FileProblem("is not a regular file")
        }
        let size = Int(information.st_size)
        if size == 0 { throw FileProblem("is empty") }
        mmx_watch_mappings(FailureCode.model.rawValue)
        let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw FileProblem("cannot be mapped: \(systemMessage(errno))") }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
        budget = ReadingBudget(fileSize: size)
        name = mmx_name_mapping(start, size, PrintableText.escaped(url.path))
    }

    /// Memory that lives as long as the mapping, for what the file holds in another form (compressed, as text). It is
    /// counted against the budget, and tensors may borrow it.
    func allocate(_ count: Int) throws -> UnsafeMutableRawBufferPointer {
        try budget.allocate(count)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        allocated.append(memory)
        return memory
    }

    /// Gives back the memory of bytes that were copied, as far as they fill whole pages. They can still be read: the
    /// system reads them again.
    func discard(_ part: UnsafeRawBufferPointer) {
        guard let start = part.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (Int(bitPattern: start) + page - 1) / page * page
        let end = (Int(bitPattern: start) + part.count) / page * page
        if end > first { madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, MADV_DONTNEED) }
    }

    deinit {
        mmx_forget_mapping(name)
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        for memory in allocated { memory.deallocate() }
    }
}

/// Little-endian numbers and runs of bytes, in order, never beyond the end.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        if count < 0 || count > remaining {
            throw FileProblem("ends too early: \(count) bytes expected at byte \(position), \(remaining) found")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    mutating func number<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: type))
    }

    /// A 64-bit length or position, which must fit `Int`.
    mutating func length() throws -> Int {
        let start = position
        let value = try number(UInt64.self)
        guard let result = Int(exactly: value) else {
            throw FileProblem("holds the impossible length \(value) at byte \(start)")
        }
        return result
    }
}

/// The number of elements of `shape`; nil where an axis is negative, there are more than 64 axes, or the number is too
/// large. Axes of length 0 count as 1 in that check, so that strides cannot overflow either.
func elementCount(_ shape: [Int]) -> Int? {
    if shape.count > 64 { return nil }
    var product = 1
    for size in shape {
        if size < 0 { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: max(1, size))
        if overflow || next > Int.max >> 4 { return nil }
        product = next
    }
    return shape.contains(0) ? 0 : product
}
