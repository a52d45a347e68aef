import Foundation

/// The memory behind a tensor: `count` floats at `pointer`, 64-byte aligned when this type allocated them.
///
/// Freed blocks of 4 KiB and more go to a small pool and are handed out again, because a training step asks for
/// the same sizes over and over and fresh pages cost more than the arithmetic.
public final class Storage: @unchecked Sendable {
    public let pointer: UnsafeMutablePointer<Float>
    public let count: Int
    private let owner: Owner

    /// False for memory that belongs to something else.
    public var isOwned: Bool { if case .pool = owner { return true } else { return false } }

    private enum Owner {
        case pool
        /// Memory that belongs to something else (a mapped file), which is kept alive.
        case borrowed(AnyObject)
    }

    /// Uninitialised memory for `count` floats.
    public init(count: Int) {
        precondition(count >= 0)
        self.count = count
        self.pointer = StoragePool.shared.take(count)
        self.owner = .pool
    }

    /// Memory owned by `keeper`, which must keep it readable for as long as it lives. Never written to.
    public init(borrowing pointer: UnsafeMutablePointer<Float>, count: Int, keeper: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = .borrowed(keeper)
    }

    deinit {
        if case .pool = owner { StoragePool.shared.give(pointer, count) }
    }
}

/// Blocks that are free, by size.
private final class StoragePool: @unchecked Sendable {
    static let shared = StoragePool()
    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    private var bytes = 0
    /// What the pool may hold at most; beyond it, blocks go back to the system.
    private let limit = 1 << 30

    /// Sizes are rounded up to a multiple of 16 floats below 1,024 and to one of eight steps to the power of two
    /// above, so that batches of slightly different lengths share blocks.
    private static func rounded(_ count: Int) -> Int {
        if count < 1024 { return max(16, (count + 15) & ~15) }
        let step = (1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) >> 4
        return (count + step - 1) / step * step
    }

    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let size = Self.rounded(count)
        if size >= 1024 {
            lock.lock()
            if let block = free[size]?.popLast() {
                bytes -= size * 4
                lock.unlock()
                return block
            }
            lock.unlock()
        }
        return UnsafeMutableRawPointer.allocate(byteCount: size * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: size)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, _ count: Int) {
        let size = Self.rounded(count)
        if size >= 1024 {
            lock.lock()
            if bytes + size * 4 <= limit {
                bytes += size * 4
                free[size, default: []].append(pointer)
                lock.unlock()
                return
            }
            lock.unlock()
        }
        UnsafeMutableRawPointer(pointer).deallocate()
    }
}
