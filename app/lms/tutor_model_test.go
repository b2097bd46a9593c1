package lms

import "testing"

func TestCapIsTheTighterOfTokensAndMoney(t *testing.T) {
	price := func(p Points) *Points { return &p }
	for _, tt := range []struct {
		name   string
		tokens int64
		price  *Points
		money  Points
		want   int64
	}{
		{"none", 0, nil, 0, 0},
		{"tokens alone", 1000, nil, 0, 1000},
		{"money alone", 0, price(50), 1_00, 2_000_000},
		{"money is tighter", 5_000_000, price(50), 1_00, 2_000_000},
		{"tokens are tighter", 1000, price(50), 1_00, 1000},
		{"a free model has no cost", 0, price(0), 1_00, 0},
		{"a cap below one token still stops", 0, price(1_000_000_00), 1, 1},
	} {
		s := ModelSettings{MonthlyCap: tt.tokens, Price: tt.price, MoneyCap: tt.money}
		if got := s.Cap(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestUnknownPriceIsNotZero(t *testing.T) {
	if _, known := (ModelSettings{}).Cost(1000); known {
		t.Error("a price that nobody has set is known")
	}
	price := Points(60)
	if cost, known := (ModelSettings{Price: &price}).Cost(1_000_001); !known || cost != 61 { // rounded up
		t.Errorf("%d %v", cost, known)
	}
}

func TestCapNear(t *testing.T) {
	for _, tt := range []struct {
		used, limit int64
		want        bool
	}{{0, 0, false}, {100, 0, false}, {79, 100, false}, {80, 100, true}, {100, 100, true}, {2, 3, false}, {3, 3, true}} {
		if got := CapNear(tt.used, tt.limit); got != tt.want {
			t.Errorf("%d of %d: %v", tt.used, tt.limit, got)
		}
	}
}

func TestWorseIsAShareOfTheCases(t *testing.T) {
	for _, tt := range []struct {
		a, b ModelTrial
		want bool
	}{
		{ModelTrial{Passed: 10, Total: 16}, ModelTrial{Passed: 11, Total: 16}, true},
		{ModelTrial{Passed: 11, Total: 16}, ModelTrial{Passed: 11, Total: 16}, false},
		{ModelTrial{Passed: 20, Total: 32}, ModelTrial{Passed: 10, Total: 16}, false},
		{ModelTrial{Passed: 19, Total: 32}, ModelTrial{Passed: 10, Total: 16}, true},
	} {
		if got := tt.a.WorseThan(tt.b); got != tt.want {
			t.Errorf("%+v than %+v: %v", tt.a, tt.b, got)
		}
	}
}
