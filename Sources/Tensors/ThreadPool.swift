import CBLAS
import Foundation
import Support

import struct Synchronization.Atomic

/// A layer of a small network takes 20 to 300 µs. Waking a sleeping thread takes nearly as long, and longer in a
/// virtual machine. So an idle thread polls for work for a short time before it sleeps. The caller never waits for a
/// thread to wake up: it takes the next piece of work itself.
final class ThreadPool: @unchecked Sendable {
    /// One parallel loop. Each thread has a range of the indices, the same range in every loop of that length, because
    /// the data that it wrote in the loop before is still in its cache. A thread that has finished its range takes
    /// indices from the ranges of the others.
    private final class Job: @unchecked Sendable {
        let count: Int
        let threads: Int
        /// The caller's closure, on the caller's stack. Only a thread that holds an index may use it: the caller waits
        /// until all indices are done.
        let body: UnsafeRawPointer
        /// The next index of each range. The counters are a cache line apart.
        private let next: UnsafeMutablePointer<Atomic<Int>>
        private static let line = 64 / MemoryLayout<Atomic<Int>>.stride
        let done = Atomic<Int>(0)

        init(count: Int, threads: Int, body: UnsafeRawPointer) {
            self.count = count
            self.threads = threads
            self.body = body
            next = .allocate(capacity: threads * Self.line)
            for i in 0..<threads * Self.line {
                (next + i).initialize(to: Atomic(count * (i / Self.line) / threads))
            }
        }

        deinit {
            next.deinitialize(count: threads * Self.line)
            next.deallocate()
        }

        /// Processes indices until none is left, those of `thread` first.
        func work(_ thread: Int) {
            for turn in 0..<threads {
                let stretch = (thread + turn) % threads
                let end = count * (stretch + 1) / threads
                let next = next + stretch * Self.line
                while next.pointee.load(ordering: .relaxed) < end {
                    let i = next.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
                    if i >= end { break }
                    Self.call(body, i)
                    done.wrappingAdd(1, ordering: .releasing)
                }
            }
        }

        /// Not inlined, so that this thread holds nothing of the closure after the return.
        @inline(never)
        private static func call(_ body: UnsafeRawPointer, _ i: Int) {
            body.assumingMemoryBound(to: ((Int) -> Void).self).pointee(i)
        }
    }

    /// How long an idle thread polls for work before it sleeps.
    private static let patience: UInt64 = 150_000  // ns

    /// The latest loop; `generation` counts the loops. All polling threads take this lock, so it must be a lock that
    /// spins for a moment: a thread that the lock put to sleep would be late for the whole loop.
    private let job = Mutex<Job?>(nil)
    private let generation = Atomic<Int>(0)
    /// The condition that idle threads wait for, and the number of threads that wait.
    private let condition = NSCondition()
    private let sleeping = Atomic<Int>(0)
    /// Called at the start of each thread.
    private let prepare: @Sendable () -> Void

    /// The number of threads, with the caller's.
    private let threads: Int

    /// - Parameter helpers: the number of threads besides the caller's.
    init(helpers: Int, prepare: @escaping @Sendable () -> Void) {
        self.prepare = prepare
        threads = helpers + 1
        for i in 0..<helpers { Thread.detachNewThread { self.help(i + 1) } }
    }

    /// Calls `body` for each index of `0..<count`, on this thread and on idle ones.
    func perform(_ count: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                let job = Job(count: count, threads: threads, body: UnsafeRawPointer(pointer))
                self.job.withLock { $0 = job }
                // Either this thread sees that another one sleeps, or that one sees the new generation before it
                // sleeps.
                generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
                if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
                    condition.lock()
                    condition.broadcast()
                    condition.unlock()
                }
                job.work(0)
                var spins = 0
                while job.done.load(ordering: .acquiring) < count {
                    spins += 1
                    if spins % 512 == 0 { sched_yield() } else { mmx_pause() }
                }
            }
        }
    }

    private func help(_ thread: Int) {
        prepare()
        var seen = 0
        while true {
            lookOut(for: seen)
            if generation.load(ordering: .acquiring) == seen { sleep(after: seen) }
            seen = generation.load(ordering: .acquiring)
            job.withLock { $0 }?.work(thread)
        }
    }

    /// Returns when there is a new loop.
    private func sleep(after seen: Int) {
        condition.lock()
        sleeping.wrappingAdd(1, ordering: .sequentiallyConsistent)
        while generation.load(ordering: .sequentiallyConsistent) == seen { condition.wait() }
        sleeping.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        condition.unlock()
    }

    /// Returns when there is a new loop, or after `patience`.
    private func lookOut(for seen: Int) {
        let start = DispatchTime.now().uptimeNanoseconds
        while true {
            for _ in 0..<32 {
                if generation.load(ordering: .acquiring) != seen { return }
                mmx_pause()
            }
            let waited = DispatchTime.now().uptimeNanoseconds - start
            if waited > Self.patience { return }
            // Lets other processes run first.
            if waited > Self.patience / 4 { sched_yield() }
        }
    }
}
