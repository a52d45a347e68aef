import Foundation
import Synchronization
import Tensors
import XCTest

/// Every index runs once, whatever the number of loops, their size and the thread that starts them.
final class ParallelTests: XCTestCase {
    private func counts(_ count: Int) -> [Int] {
        var seen = [Int](repeating: 0, count: count)
        seen.withUnsafeMutableBufferPointer { seen in
            nonisolated(unsafe) let seen = seen
            Parallel.forEach(count) { seen[$0] += 1 }
        }
        return seen
    }

    func testForEach_ofAnyCount_callsEveryIndexOnce() {
        for count in [0, 1, 2, 3, 7, 64, 1000] { XCTAssertEqual(counts(count), [Int](repeating: 1, count: count)) }
    }

    /// Short loops in sequence, with pauses in which the threads fall asleep.
    func testForEach_inManyShortLoops_callsEveryIndexOnce() {
        nonisolated(unsafe) let seen = UnsafeMutablePointer<Int>.allocate(capacity: 2)
        defer { seen.deallocate() }
        for round in 0..<20_000 {
            seen.initialize(repeating: 0, count: 2)
            Parallel.forEach(2) { seen[$0] += 1 }
            if (seen[0], seen[1]) != (1, 1) { return XCTFail("loop \(round) ran \(seen[0]) and \(seen[1])") }
            if round % 4_000 == 0 { usleep(2_000) }
        }
    }

    /// Threads with short ranges help with the long ones.
    func testForEach_withUnevenWork_callsEveryIndexOnce() {
        let total = Atomic<Int>(0)
        for _ in 0..<200 {
            Parallel.forEach(16) { i in
                var x = i
                if i < 8 { for _ in 0..<2_000 { x = (x &* 1_103_515_245 &+ 12_345) & 0x7FFF_FFFF } }
                _ = total.wrappingAdd(x >= 0 ? 1 : 0, ordering: .relaxed)
            }
        }
        XCTAssertEqual(total.load(ordering: .relaxed), 200 * 16)
    }

    func testForEach_withALoopInside_callsEveryIndexOnce() {
        let total = Atomic<Int>(0)
        Parallel.forEach(8) { _ in
            Parallel.ranges(100) { range in _ = total.wrappingAdd(range.count, ordering: .relaxed) }
        }
        XCTAssertEqual(total.load(ordering: .relaxed), 800)
    }

    func testForEach_fromSeveralThreads_callsEveryIndexOnce() {
        let total = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<500 {
                Parallel.forEach(5) { _ = total.wrappingAdd($0, ordering: .relaxed) }
            }
        }
        XCTAssertEqual(total.load(ordering: .relaxed), 4 * 500 * 10)
    }

    func testRanges_ofAnyGrain_coverEveryIndexOnce() {
        for (count, grain, each) in [(0, 1, 1), (1, 1, 1), (5, 2, 1), (100, 7, 1), (3, 50, 1), (100, 3, 8), (5, 1, 16)]
        {
            var seen = [Int](repeating: 0, count: count)
            seen.withUnsafeMutableBufferPointer { seen in
                nonisolated(unsafe) let seen = seen
                Parallel.ranges(count, grain: grain, each: each) { for i in $0 { seen[i] += 1 } }
            }
            XCTAssertEqual(seen, [Int](repeating: 1, count: count))
        }
    }
}
