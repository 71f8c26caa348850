//! Digits of π for the Job that everybody starts with (`perl -Mbignum=bpi -wle 'print bpi(2000)'`).

/// π with `digits` significant digits, computed by Machin's formula in base 10⁹.
pub fn digits(digits: usize) -> String {
    let digits = digits.clamp(1, 20_000);
    // Two limbs of guard digits keep truncation errors out of what is printed.
    let limbs = digits / 9 + 3;
    let (a, b) = (arccot(5, limbs), arccot(239, limbs));
    let mut sum = vec![0i64; limbs];
    for i in 0..limbs {
        sum[i] = 16 * a[i] - 4 * b[i];
    }
    for i in (1..limbs).rev() {
        let carry = sum[i].div_euclid(BASE);
        sum[i] -= carry * BASE;
        sum[i - 1] += carry;
    }
    let fraction: String = sum[1..].iter().map(|limb| format!("{limb:09}")).collect();
    if digits == 1 {
        return "3".to_owned();
    }
    format!("{}.{}", sum[0], &fraction[..digits - 1])
}

const BASE: i64 = 1_000_000_000;

/// arccot(x) as fixed-point limbs: Σ (−1)ᵏ / ((2k+1)·x^(2k+1)).
fn arccot(x: i64, limbs: usize) -> Vec<i64> {
    let mut power = vec![0i64; limbs];
    power[0] = 1;
    divide(&mut power, x);
    let mut sum = power.clone();
    let (mut k, mut sign) = (1, -1);
    while power.iter().any(|limb| *limb != 0) {
        divide(&mut power, x * x);
        let mut term = power.clone();
        divide(&mut term, 2 * k + 1);
        for (s, t) in sum.iter_mut().zip(&term) {
            *s += sign * t;
        }
        for i in (1..limbs).rev() {
            let carry = sum[i].div_euclid(BASE);
            sum[i] -= carry * BASE;
            sum[i - 1] += carry;
        }
        (k, sign) = (k + 1, -sign);
    }
    sum
}

fn divide(number: &mut [i64], by: i64) {
    let mut rest = 0;
    for limb in number {
        let all = rest * BASE + *limb;
        *limb = all / by;
        rest = all % by;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digits() {
        assert_eq!(super::digits(1), "3");
        assert_eq!(super::digits(12), "3.14159265358");
        let long = super::digits(2000);
        assert_eq!(long.len(), 2001);
        // The 991st to the 1000th decimal.
        assert_eq!(&long[992..1002], "2164201989");
    }
}
