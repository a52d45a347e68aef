/// What reading one file may cost beside the memory of the file itself. Formats let a few bytes stand for much: a value
/// that is shared a million times, a name that is joined at every visit, zeros that are compressed. All readers of a
/// file count their work here, so that time and memory stay in proportion to the file's size whatever the format.
final class ReadingBudget {
    /// The most steps: instructions, values that are visited, fields of a header. A network of a thousand tensors takes
    /// about a hundred thousand.
    let steps: Int
    /// The most bytes of memory for names, copies and decompressed data.
    let bytes: Int
    private(set) var usedSteps = 0
    private(set) var usedBytes = 0

    /// - Parameter size: the file's, in bytes.
    init(fileSize size: Int) {
        let size = min(size, 1 << 56)
        // A value takes a byte or more and is counted at most four times. Beyond 2,000,000 steps, a file consists of
        // large arrays for the most part.
        steps = 10_000 + 4 * min(size, 500_000) + size / 64
        bytes = 32 << 20 + 8 * size
    }

    /// Counts steps of about the same time, and of a hundred bytes of memory at most.
    func step(_ count: Int = 1) throws {
        usedSteps += count
        if usedSteps > steps {
            throw FileProblem(
                "takes more than \(steps) steps to read, too many for its size: "
                    + "it shares or nests its parts far more than weights need")
        }
    }

    /// Counts memory before it is allocated.
    func allocate(_ count: Int) throws {
        let (sum, overflow) = usedBytes.addingReportingOverflow(count)
        if overflow || sum > bytes {
            throw FileProblem(
                "unfolds to more than \(bytes >> 20) MB of memory, too much for its size: "
                    + "it repeats or compresses its parts far more than weights need")
        }
        usedBytes = sum
    }
}
