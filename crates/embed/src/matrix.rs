//! Matrix products with `gemm`, behind a safe function.

use gemm::Parallelism;

/// A matrix in a slice: element `(r, c)` is at `r * row_step + c *
/// column_step`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix whose rows are `row_step` apart.
    pub(crate) fn new(values: &'a [f32], row_step: usize) -> Self {
        Self {
            values,
            row_step,
            column_step: 1,
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            row_step: self.column_step,
            column_step: self.row_step,
            ..self
        }
    }
}

/// The dimensions of a product: `rows × inner` times `inner × columns`.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
}

/// `out += scale · left · right`, or `out = …` unless `add`; rows of `out` are
/// `out_step` apart. Runs on the calling thread.
#[expect(
    unsafe_code,
    reason = "gemm takes pointers; all it reaches is checked here"
)]
pub(crate) fn multiply(
    shape: Shape,
    left: Matrix,
    right: Matrix,
    scale: f32,
    out: &mut [f32],
    out_step: usize,
    add: bool,
) {
    let Shape {
        rows,
        inner,
        columns,
    } = shape;
    let last_index = |rows: usize, row_step: usize, columns: usize, column_step: usize| {
        (rows - 1) * row_step + (columns - 1) * column_step
    };
    assert!(rows > 0 && inner > 0 && columns > 0);
    assert!(out_step >= columns && last_index(rows, out_step, columns, 1) < out.len());
    assert!(last_index(rows, left.row_step, inner, left.column_step) < left.values.len());
    assert!(last_index(inner, right.row_step, columns, right.column_step) < right.values.len());
    // A slice is never longer than `isize::MAX` bytes, so a step that passed
    // the checks does not wrap.
    let step = usize::cast_signed;
    // SAFETY: all three matrices lie within their slices (asserted above); `out` is
    // borrowed mutably, so it doesn't overlap the others, and its rows don't overlap.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            step(out_step),
            add,
            left.values.as_ptr(),
            step(left.column_step),
            step(left.row_step),
            right.values.as_ptr(),
            step(right.column_step),
            step(right.row_step),
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiply_adds_and_scales_and_transposes() {
        // [1 2; 3 4] · [5 6; 7 8]ᵀ = [17 23; 39 53]
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let (left, right) = (Matrix::new(&left, 2), Matrix::new(&right, 2).transposed());
        let shape = Shape {
            rows: 2,
            inner: 2,
            columns: 2,
        };
        let mut out = [100.0; 6];
        multiply(shape, left, right, 2.0, &mut out, 3, true);
        let expected = [134.0, 146.0, 100.0, 178.0, 206.0, 100.0];
        assert_eq!(out.map(f32::to_bits), expected.map(f32::to_bits));
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn multiply_panics_beyond_a_slice() {
        let values = [0.0; 3];
        let shape = Shape {
            rows: 2,
            inner: 2,
            columns: 2,
        };
        let matrix = Matrix::new(&values, 2);
        multiply(shape, matrix, matrix, 1.0, &mut [0.0; 4], 2, false);
    }
}
