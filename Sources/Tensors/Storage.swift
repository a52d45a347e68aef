import Foundation
import Synchronization

/// The memory of a tensor: `count` floats at `pointer`, aligned to 64 bytes when this type allocated them.
///
/// Halves in a file are not copied. Kernels that read a weight only once read them in place (``halves``). The first
/// access to `pointer` converts them to floats.
///
/// Freed blocks of 4 KiB or more go to a pool and are reused: a training step asks for the same sizes again and again,
/// and new pages cost more time than the arithmetic.
public final class Storage: @unchecked Sendable {
    /// The number of elements.
    public let count: Int
    /// The same numbers as halves, if they were read as halves.
    public let halves: UnsafePointer<Half>?
    /// Nil until the halves are converted.
    @usableFromInline let floats: Atomic<UnsafeMutablePointer<Float>?>
    /// The number of floats in the pool's block; 0 for memory that is not from the pool.
    private let capacity: Int
    /// The owner of borrowed memory (a mapped file), kept alive here.
    private let keeper: AnyObject?

    /// The first element as a float.
    @inlinable public var pointer: UnsafeMutablePointer<Float> { floats.load(ordering: .acquiring) ?? widened() }

    /// False for borrowed memory, and for floats that were converted from borrowed halves.
    public var isOwned: Bool { keeper == nil }

    /// Uninitialised memory for `count` floats.
    public init(count: Int) {
        precondition(count >= 0)
        self.count = count
        halves = nil
        let (memory, capacity) = StoragePool.shared.take(count)
        floats = Atomic(memory)
        self.capacity = capacity
        keeper = nil
    }

    /// Memory that belongs to `keeper`, which must keep it readable for its own lifetime. It is never written to.
    public init(borrowing pointer: UnsafeMutablePointer<Float>, count: Int, keeper: AnyObject) {
        self.count = count
        halves = nil
        floats = Atomic(pointer)
        capacity = 0
        self.keeper = keeper
    }

    /// Halves that belong to `keeper`, under the same conditions.
    public init(borrowing halves: UnsafePointer<Half>, count: Int, keeper: AnyObject) {
        self.count = count
        self.halves = halves
        floats = Atomic(nil)
        capacity = 0
        self.keeper = keeper
    }

    /// The halves as floats, converted once. Two threads may both convert them; then one result is kept. This is faster
    /// than letting one thread wait for the other.
    @usableFromInline func widened() -> UnsafeMutablePointer<Float> {
        let made = StoragePool.allocate(count)
        if let halves { widen(halves, count, into: made) }
        let (isFirst, found) = floats.compareExchange(expected: nil, desired: made, ordering: .acquiringAndReleasing)
        if isFirst { return made }
        made.deallocate()
        return found ?? made
    }

    deinit {
        guard let pointer = floats.load(ordering: .acquiring) else { return }
        if capacity > 0 {
            StoragePool.shared.give(pointer, capacity)
        } else if halves != nil {
            pointer.deallocate()
        }
    }
}

/// The free blocks, by size.
private final class StoragePool: @unchecked Sendable {
    static let shared = StoragePool()
    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    /// The sizes that have free blocks, ascending.
    private var sizes: [Int] = []
    private var bytes = 0
    /// The most bytes that the pool holds. Blocks beyond it go back to the system.
    private let limit = 1 << 30
    /// A block may be this many times larger than the requested size. Each layer of a network needs another size, and
    /// the pages of a used block are already in memory.
    private let slack = 4

    /// Rounds a size up, so that batches of slightly different lengths share blocks: to a multiple of 16 floats below
    /// 1,024, and to one of eight steps between powers of two above.
    private static func rounded(_ count: Int) -> Int {
        if count < 1024 { return max(16, (count + 15) & ~15) }
        let step = (1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) >> 4
        return (count + step - 1) / step * step
    }

    /// - Returns: a block of at least `count` floats, and its size.
    func take(_ count: Int) -> (pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let size = Self.rounded(count)
        if size >= 1024 {
            lock.lock()
            defer { lock.unlock() }
            if let found = sizes.first(where: { $0 >= size }), found <= slack * size,
                let block = free[found]?.popLast()
            {
                if free[found]?.isEmpty == true {
                    free[found] = nil
                    sizes.removeAll { $0 == found }
                }
                bytes -= found * 4
                return (block, found)
            }
        }
        return (Self.allocate(size), size)
    }

    static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer.allocate(byteCount: max(1, count) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, _ capacity: Int) {
        if capacity >= 1024 {
            lock.lock()
            defer { lock.unlock() }
            if bytes + capacity * 4 <= limit {
                bytes += capacity * 4
                if free[capacity, default: []].isEmpty {
                    sizes.insert(capacity, at: sizes.firstIndex { $0 > capacity } ?? sizes.count)
                }
                free[capacity, default: []].append(pointer)
                return
            }
        }
        pointer.deallocate()
    }
}
