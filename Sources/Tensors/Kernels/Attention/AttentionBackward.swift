import CKernels

/// The backward pass of the attention in ``attentionLSTMForward``, for one seed and one image (a *job*) at a time. Each
/// job has its own memory for the sums over steps, so no two threads write to the same memory.
struct AttentionBackward {
    private let saved: AttentionLSTMSaved
    private let seeds: Int, steps: Int, rows: Int, images: Int, regions: Int, depth: Int, group: Int, stride: Int
    /// The score's weight w, padded like the keys.
    private let weight: Tensor
    /// The sums over steps and rows of v, `[K, M, L, padded]`, and of u, `[K, M, padded]` (see
    /// `mmx_attention_backward`).
    private let keySums: Tensor, weightSums: Tensor

    init(_ saved: AttentionLSTMSaved, seeds: Int) {
        self.saved = saved
        self.seeds = seeds
        steps = saved.gates.shape[0]
        rows = saved.gates.shape[1]
        images = saved.annotations.shape[0]
        regions = saved.annotations.shape[1]
        depth = saved.annotations.shape[2]
        group = rows / images
        stride = saved.output.shape[2]
        weight = paddedVector(saved.weightScore, times: 1)
        keySums = Tensor([seeds, images, regions, saved.keys.padded])
        weightSums = Tensor([seeds, images, saved.keys.padded])
    }

    /// Runs step t for the rows of job k * M + m. The pointers are to the job's first row.
    /// - Parameters:
    ///   - g: rows of the output's gradient; the part for alpha is used.
    ///   - dz: `[group, D]`. The outputs are dQueries `[group, A]` and dGateSums `[group]` (before the gate's sigmoid).
    func step(
        _ t: Int, _ job: Int, g: UnsafePointer<Float>, dz: UnsafePointer<Float>, dQueries: UnsafeMutablePointer<Float>,
        dGateSums: UnsafeMutablePointer<Float>
    ) {
        let image = job % images
        let first = t * rows + image * group
        let padded = saved.keys.padded
        let width = saved.keys.width
        let z = saved.output.pointer + first * stride + (stride - regions - depth)
        let alpha = z + depth
        let beta = saved.betas.pointer + first
        let annotation = saved.annotations.pointer + image * regions * depth
        let key = saved.keys.values.pointer + image * regions * padded
        let keySum = keySums.pointer + job * regions * padded
        let weightSum = weightSums.pointer + job * padded
        withUnsafeTemporaryAllocation(of: Float.self, capacity: group * (2 * padded + regions)) { scratch in
            guard let queries = scratch.baseAddress else { return }
            let querySums = queries + group * padded
            let de = querySums + group * padded
            let isFactored: Int32 = saved.keys.isFactored ? 1 : 0
            kernels.prepare_queries(isFactored, group, width, padded, saved.queries.pointer + first * width, queries)
            querySums.update(repeating: 0, count: group * padded)
            for l in 0..<regions {
                for n in 0..<group {
                    de[n * regions + l] =
                        beta[n] * dotProduct(dz + n * depth, annotation + l * depth, depth)
                        + g[n * stride + (stride - regions) + l]
                }
            }
            for n in 0..<group {
                // z = beta * context, so dbeta beta (1 - beta) = (dz . z) (1 - beta).
                dGateSums[n] = dotProduct(dz + n * depth, z + n * stride, depth) * (1 - beta[n])
                let row = de + n * regions
                let weights = alpha + n * stride
                let mean = dotProduct(row, weights, regions)
                mapVectors2(regions, row, weights, row) { ($0 - mean) * $1 }
            }
            var backward = mmx_attention_backward(
                is_factored: isFactored, rows: group, regions: regions, padded: padded, gradients: de, keys: key,
                prepared: queries, query_sums: querySums, key_sums: keySum, weight_sums: weightSum)
            kernels.attention_backward(&backward)
            for n in 0..<group {
                kernels.multiply(width, querySums + n * padded, weight.pointer, 4, dQueries + n * width)
            }
        }
    }

    /// The gradient of the keys, `[K, M, L, A]`.
    func keys() -> Tensor {
        let width = saved.keys.width
        let padded = saved.keys.padded
        let result = Tensor(uninitialized: [seeds, images, regions, width])
        Parallel.ranges(seeds * images * regions, grain: max(1, 16384 / max(1, width))) { range in
            for row in range {
                kernels.multiply(
                    width, keySums.pointer + row * padded, weight.pointer, 4, result.pointer + row * width)
            }
        }
        return result
    }

    /// The gradient of the score's weight, `[A]`, for one seed.
    func scoreWeight() -> Tensor {
        scaleForward(
            sliceLastForward(columnSums(weightSums, columns: saved.keys.padded), from: 0, width: saved.keys.width),
            by: -2)
    }

    /// The gradient of the annotations, `[K, M, L, D]`, from dz `[T, K, N, D]`: the sum over an image's steps and rows
    /// of beta alpha_l dz, one matrix product for each job.
    func annotations(_ dz: Tensor) -> Tensor {
        let result = Tensor(uninitialized: [seeds, images, regions, depth])
        let length = steps * group
        Parallel.forEach(seeds * images) { job in
            let k = job / images
            let image = job % images
            // The job's rows of all steps, in order.
            withUnsafeTemporaryAllocation(of: Float.self, capacity: length * (regions + depth)) { scratch in
                guard let weights = scratch.baseAddress else { return }
                let gradients = weights + length * regions
                for t in 0..<steps {
                    let row = t * rows + image * group
                    for n in 0..<group {
                        let factor = saved.betas.pointer[row + n]
                        let alpha = saved.output.pointer + (row + n) * stride + (stride - regions)
                        mapVectors(regions, alpha, weights + (t * group + n) * regions) { $0 * factor }
                    }
                    (gradients + t * group * depth).update(
                        from: dz.pointer + ((t * seeds + k) * rows + image * group) * depth, count: group * depth)
                }
                gemm(
                    transposeA: true, m: regions, n: depth, k: length, weights, lda: regions, gradients, ldb: depth,
                    result.pointer + job * regions * depth, ldc: depth)
            }
        }
        return result
    }
}
