import Foundation
import Synchronization

/// The memory behind a tensor: `count` floats at `pointer`, 64-byte aligned when this type allocated them.
///
/// Halves in a file stay where they are: kernels that read a weight once read them there (``halves``), and floats are
/// made of them when somebody first asks for `pointer`.
///
/// Freed blocks of 4 KiB and more go to a small pool and are handed out again, because a training step asks for
/// the same sizes over and over and fresh pages cost more than the arithmetic.
public final class Storage: @unchecked Sendable {
    public let count: Int
    /// The same numbers, where they were read as halves.
    public let halves: UnsafePointer<Half>?
    /// Nil until halves are widened.
    @usableFromInline let floats: Atomic<UnsafeMutablePointer<Float>?>
    /// Floats that the pool gave; 0 for memory that is not the pool's.
    private let capacity: Int
    /// What memory that is not ours belongs to (a mapped file), kept alive.
    private let keeper: AnyObject?

    @inlinable public var pointer: UnsafeMutablePointer<Float> { floats.load(ordering: .acquiring) ?? widened() }

    /// False for memory that belongs to something else, and for what was made of it.
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

    /// Memory owned by `keeper`, which must keep it readable for as long as it lives. Never written to.
    public init(borrowing pointer: UnsafeMutablePointer<Float>, count: Int, keeper: AnyObject) {
        self.count = count
        halves = nil
        floats = Atomic(pointer)
        capacity = 0
        self.keeper = keeper
    }

    /// Halves owned by `keeper`, likewise.
    public init(borrowing halves: UnsafePointer<Half>, count: Int, keeper: AnyObject) {
        self.count = count
        self.halves = halves
        floats = Atomic(nil)
        capacity = 0
        self.keeper = keeper
    }

    /// The halves as floats, made once. Of two threads that find none, both make them and one keeps its own: that is
    /// better than one that waits for the other's threads.
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

/// Blocks that are free, by size.
private final class StoragePool: @unchecked Sendable {
    static let shared = StoragePool()
    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    /// The sizes of which there are free blocks, ascending.
    private var sizes: [Int] = []
    private var bytes = 0
    /// What the pool may hold at most; beyond it, blocks go back to the system.
    private let limit = 1 << 30
    /// How many times larger than asked for a block may be. Each layer of a network wants another size, and its input's
    /// pages are in memory already.
    private let slack = 4

    /// Sizes are rounded up to a multiple of 16 floats below 1,024 and to one of eight steps to the power of two
    /// above, so that batches of slightly different lengths share blocks.
    private static func rounded(_ count: Int) -> Int {
        if count < 1024 { return max(16, (count + 15) & ~15) }
        let step = (1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) >> 4
        return (count + step - 1) / step * step
    }

    /// - Returns: at least `count` floats, and how many there are.
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
